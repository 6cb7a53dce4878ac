"""What every store does, by subject. The suite that a kind of store runs is `tests.contract.store_contract.StoreContract`."""
