"""What is shown: charts, the report's page, the screen."""
