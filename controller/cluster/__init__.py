"""Several controllers over one store: who is there, who is master of what, and how far everybody is."""
