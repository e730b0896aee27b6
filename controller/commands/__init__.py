"""What `tenet` can be told beside `run`: each module adds one command to its parser.  They ask a running controller."""
