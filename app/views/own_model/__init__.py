"""The page that leads through a check of a network from elsewhere: images, network, scores."""
