"""CloudWatch Logs, as far as Logs Insights goes: queries that are really carried out over lines."""
