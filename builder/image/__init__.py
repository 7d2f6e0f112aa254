"""From a rendered cluster to an image: base, foundation, appliance."""
