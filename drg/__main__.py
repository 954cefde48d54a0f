"""``python -m drg`` is the command ``drg``."""

from drg.cli import main

if __name__ == "__main__":
    main()
