"""Other clients' names for what is done here, so that their users' programs run with one import changed."""
