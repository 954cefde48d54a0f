"""``python -m drg`` is the command ``drg``."""

from drg.cli import main

main()
