"""Django's password rules with our words."""

from __future__ import annotations

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    NumericPasswordValidator,
    UserAttributeSimilarityValidator,
)


class LongEnough(MinimumLengthValidator):
    """Says how long, and what makes length easy."""

    def get_error_message(self) -> str:
        """What to do about a short one."""
        return f"Use at least {self.min_length} characters. A few unrelated words are good."

    def get_help_text(self) -> str:
        """The same, before anything is typed."""
        return self.get_error_message()


class NotLikeYou(UserAttributeSimilarityValidator):
    """Says what a password must not resemble."""

    def get_error_message(self) -> str:
        """What to do about one that repeats the person's name or address."""
        return "Choose one that does not repeat your %(verbose_name)s."

    def get_help_text(self) -> str:
        """The same, before anything is typed."""
        return "It must not repeat your name or your address."


class NotCommon(CommonPasswordValidator):
    """Says that others use the same one."""

    def get_error_message(self) -> str:
        """What to do about a common one."""
        return "Many people use this one, so it is tried first. Choose another."

    def get_help_text(self) -> str:
        """The same, before anything is typed."""
        return "It must not be one that many people use."


class NotOnlyDigits(NumericPasswordValidator):
    """Says that digits alone are few."""

    def get_error_message(self) -> str:
        """What to do about digits."""
        return "Use more than digits."

    def get_help_text(self) -> str:
        """The same, before anything is typed."""
        return self.get_error_message()
