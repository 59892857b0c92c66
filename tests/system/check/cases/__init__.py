"""What can be right and wrong with a domain; each file declares cases of one kind."""

import importlib
import pkgutil

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
