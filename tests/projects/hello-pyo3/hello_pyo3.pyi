def hello(name: str) -> str:
    """Greet ``name``."""
