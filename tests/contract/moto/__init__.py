"""What moto emulates, under the contract of targets: who answers there is moto, and neither we nor AWS."""
