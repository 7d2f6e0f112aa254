"""vipforge bakes, boots and proves highly available load-balancer appliances."""

__version__ = "0.1.0"
