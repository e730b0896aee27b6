"""Everything at once on real switches, at random, and then a look at whether all is as it should be."""
