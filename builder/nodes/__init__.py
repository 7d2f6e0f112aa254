"""Running nodes, wherever they run: reaching them, asking them, changing their services, replacing them."""
