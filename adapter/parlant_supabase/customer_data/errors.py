"""The error of `customer_data`."""


class CustomerDataError(Exception):
    """A customer's data cannot be read or erased; the message is one sentence that says why."""
