"""SageMaker: jobs that learn, endpoints that serve, and what is known of them."""
