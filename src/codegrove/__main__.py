"""``python -m codegrove`` is the command ``codegrove``."""

from codegrove.cli import main

if __name__ == "__main__":
    main()
