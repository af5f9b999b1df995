"""One module a command: ``add_parser(commands)`` declares its options, ``run(args)`` does the work."""
