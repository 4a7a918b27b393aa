"""`python -m bot`, also installed as the command `tzurot`."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
