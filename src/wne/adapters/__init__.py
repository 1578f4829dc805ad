"""Other people's tools, weights and networks. Nothing else in the library needs what a module here needs."""
