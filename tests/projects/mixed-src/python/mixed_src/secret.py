"""Never to be shipped."""
