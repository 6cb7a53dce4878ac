"""PagerDuty: one incident a deployment, opened while somebody is needed and resolved when nobody is."""
