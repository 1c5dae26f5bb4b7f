"""The course, as nbgrader sees it. Nothing of nbgrader is configured anywhere else.

Read by every nbgrader command in this folder, and by JupyterLab's panels: `dockyard lab` and `dockyard teach` put this
folder on Jupyter's configuration path.
"""

import os
import secrets
import sys
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from dockyard.authoring.release import CODE_STUB, TEXT_STUB
from dockyard.course import COURSE_ID, Course
from dockyard.database import VARIABLE, address
from dockyard.grading import pages

# nbgrader calls `alembic` by name for every new gradebook; it lies beside this Python, on the PATH or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

course = Course(Path(__file__).resolve().parent)
c = get_config()  # noqa: F821  (traitlets gives it to configuration files)

# The course and its folders. DOCKYARD_EXCHANGE names the exchange of a class that shares a disk.
c.CourseDirectory.course_id = COURSE_ID
c.CourseDirectory.root = str(course.root)
c.CourseDirectory.ignore = [
    ".lock",
    ".asked",
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    ".jupyter_ystore.db",
    ".refused",  # what `HandInExporter` put aside
]
# The gradebook is gradebook.db in this folder, or the database whose address stands in DOCKYARD_GRADEBOOK. An address
# may be written here instead, but no password: this file is committed, and nbgrader logs addresses.
if gradebook := os.environ.get(VARIABLE):
    c.CourseDirectory.db_url = address(gradebook)
c.Exchange.root = str(course.exchange)
c.Exchange.cache = str(course.state / "nbgrader_cache")
# Who submits is said by `dockyard lab --student`, and need not be the owner of the files.
c.ExchangeCollect.check_owner = False
if student := os.environ.get("DOCKYARD_STUDENT"):
    c.CourseDirectory.student_id = student

# What learners find where a solution was: the same from the formgrader's button as from `dockyard build`.
c.ClearSolutions.code_stub = {"python": CODE_STUB}
c.ClearSolutions.text_stub = TEXT_STUB

# Validate runs the notebook on the live engine: booting a guest or building an image takes its time (seconds).
c.Execute.timeout = 300

# Kernels speak over sockets in Jupyter's private folder, not over TCP ports that anybody on the machine can reach.
# nbclient names no connection file, and jupyter_client would then put the sockets into the lesson's folder.
c.KernelManager.transport = "ipc"
c.KernelManager.ip = str(Path(jupyter_runtime_dir()) / f"nbgrader-{secrets.token_hex(4)}")

# Evidence of the instructor's own run of a source notebook holds the answers.
c.GenerateAssignment.post_convert_hook = "dockyard.grading.hooks.leave_evidence_out"

# Grading: evidence instead of the learner's cells.
# Only the instructor's locked cells run, in this process, and the engine is what the evidence says it answered.
# What was handed in may be anything: links, devices, files without end, and notebooks that are none.
c.Autograde.exporter_class = "dockyard.grading.exporter.HandInExporter"
c.Autograde.sanitize_preprocessors = [
    "dockyard.grading.outputs.SafeOutputs",  # instead of ClearOutput: a reviewer wants to see the learner's outputs
    # instead of DeduplicateIds: no metadata of a hand-in is believed, no check stays deleted
    "dockyard.grading.cells.RestoreCells",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "dockyard.grading.replaying.GradeFromEvidence",  # instead of Execute
    "nbgrader.preprocessors.LimitOutput",
    "dockyard.grading.replaying.SaveEvidenceGrades",  # instead of SaveAutoGrades
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Hand-ins that come through a learning-management system: `nbgrader zip_collect`.
c.ZipCollectApp.extractor_plugin = "dockyard.grading.uploads.UploadExtractor"
c.ZipCollectApp.collector_plugin = "dockyard.grading.uploads.UploadCollector"
c.ExchangeFactory.submit = "dockyard.grading.submit.EvidenceSubmit"
c.ExchangeFactory.release_feedback = "dockyard.grading.feedback.ReleaseFeedback"

# The feedback, and the formgrader's page for grading by hand, show what learners wrote: templates and filters that let
# nothing of it run, and that load nothing from elsewhere.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "dockyard.grading.pages.text",
    "clean_html": "dockyard.grading.pages.harmless",
    "script_hashes": "dockyard.grading.pages.script_hashes",
}
c.HTMLExporter.template_name = "dockyard-formgrade"
c.HTMLExporter.extra_template_basedirs = [str(pages.TEMPLATES), str(pages.NBGRADER_TEMPLATES)]
c.HTMLExporter.extra_template_paths = [str(pages.NBGRADER_TEMPLATES), str(pages.NBGRADER_STYLES)]
c.GenerateFeedback.exporter_class = "dockyard.grading.pages.FeedbackExporter"
c.FeedbackExporter.template_name = "dockyard-feedback"
c.FeedbackExporter.extra_template_paths = [str(pages.NBGRADER_TEMPLATES), str(pages.NBGRADER_STYLES)]
