"""What each command of the command line does; imports what it needs and nothing more."""
