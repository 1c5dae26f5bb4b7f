"""What every lesson keeps, one function a rule. A rule is broken where its function yields a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dockyard.authoring.build import Fresh
from dockyard.authoring.rules import checks, exercises, release, text
from dockyard.authoring.rules.subject import Built, Finding, Page, Violation, built_lesson

PageRule = Callable[[Page], Iterator[Finding]]
LessonRule = Callable[[Built], Iterator[Finding]]

PAGE_RULES: tuple[PageRule, ...] = (
    text.header_names_the_kernel_only,
    text.metadata_on_one_line,
    text.headings_in_order,
    text.ends_with_summary_and_progress,
    text.markdown_is_short,
    text.code_is_short,
    text.images_have_alt_texts,
    exercises.exercises_are_numbered,
    exercises.statement_is_complete,
    exercises.cells_belong_together,
    exercises.work_cells_may_fail,
    exercises.at_least_two_near_misses,
    exercises.cases_belong_to_exercises,
    checks.check_is_python,
    checks.check_names_its_exercise,
    checks.asserts_have_messages,
    checks.check_is_self_contained,
    checks.check_does_not_wait,
)
LESSON_RULES: tuple[LessonRule, ...] = (
    exercises.grade_ids_are_unique,
    exercises.names_are_the_courses,
    exercises.names_are_not_shared,
    exercises.few_closed_questions,
)
# A broken one of these would hand learners what they must not have: nothing is released then.
RELEASE_RULES: tuple[LessonRule, ...] = (
    release.no_markers_left,
    release.no_solution_in_release,
    release.no_near_miss_in_release,
    release.no_answer_in_check,
    release.only_notebooks_and_files,
    release.no_outputs,
    release.no_machine_paths,
    release.work_cells_can_run,
)


def broken(fresh: Fresh) -> list[Violation]:
    """All rules that a freshly built lesson breaks, in the order of the rules."""
    built = built_lesson(fresh)
    found = [Violation(rule.__name__, finding) for rule in PAGE_RULES for page in built.pages for finding in rule(page)]
    found += [Violation(rule.__name__, finding) for rule in LESSON_RULES for finding in rule(built)]
    return found + leaks(fresh)


def leaks(fresh: Fresh) -> list[Violation]:
    """Broken rules that forbid a release."""
    built = built_lesson(fresh)
    return [Violation(rule.__name__, finding) for rule in RELEASE_RULES for finding in rule(built)]
