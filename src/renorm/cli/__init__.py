"""The command line: thin; everything it does, Python does too."""
