"""Which operations moto has."""

import importlib
import inspect

from moto.core.responses import BaseResponse


def operations(service: str) -> frozenset[str]:
    """Of a service, as moto names its package; in small letters, as boto3's methods are."""
    module = importlib.import_module(f"moto.{service}.responses")
    classes = [
        each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, BaseResponse)
    ]
    usual = set(dir(BaseResponse))
    return frozenset(name for each in classes for name in dir(each) if name not in usual)
