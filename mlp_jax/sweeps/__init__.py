"""A whole hyperparameter space, trained in few compiled programs."""
