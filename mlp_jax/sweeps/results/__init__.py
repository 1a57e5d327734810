"""What a sweep found: the ranking, ensembles, the file and the page that show it."""
