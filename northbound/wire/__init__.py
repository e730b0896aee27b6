"""HTTP/1.1 as it comes over the wire: what a head must look like, and how long a client may take."""
