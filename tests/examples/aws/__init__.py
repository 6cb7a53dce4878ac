"""`examples/aws`: CloudFormation and Terraform say the same, what they say is what ``rollbackd init`` says, and AWS would take it.

What cannot be seen here: `terraform validate` and `plan`, which need the provider of AWS, and the provider a network; and
AWS itself. So Terraform is read (by python-hcl2), its expressions are followed, and what comes of them is compared.
"""
