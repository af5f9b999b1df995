"""``python -m streamnorm``: the command line, where its script is not on the path."""

import sys

from streamnorm_cli import main

sys.exit(main())
