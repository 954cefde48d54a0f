# C-level helpers of the kernel only: nothing here is visible from Python.
