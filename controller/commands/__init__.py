"""What `tenet` can be told beside `run`; each file is one command."""
