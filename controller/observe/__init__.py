"""What switches report becomes rows in the store, so that every member of a cluster sees it."""
