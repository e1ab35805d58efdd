/* sip/call_stored.c - ends the dialogs that an earlier process has left behind.
 *
 * The text is one request after the other, each with its empty line: BYE for each
 * leg that had answered, CANCEL for each that rang. A leg of another line than the call's is ended through the
 * call's: its own credentials are seldom needed for a BYE. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/call.h"
#include "sip/line.h"
#include "sip/session.h"

/* BYE for the dialog of an earlier process: waits for its way. */
struct stored_bye {
	struct gw_line *line;
	struct gw_line_way_req *way;
	char *dialog;
};

static void stored_bye_destructor(void *arg)
{
	struct stored_bye *bye = arg;

	mem_deref(bye->way);
	mem_deref(bye->line);
	mem_deref(bye->dialog);
}

static void stored_bye_ready(int err, const struct gw_line_way *way, void *arg)
{
	struct stored_bye *bye = arg;

	bye->way = NULL;
	if (!err && !strncmp(bye->dialog, "CANCEL ", strlen("CANCEL ")))
		(void)gw_session_cancel_printed(way, bye->dialog);
	else if (!err)
		(void)gw_session_bye_printed(bye->line, way, bye->dialog, 41,
					     "server restart");
	mem_deref(bye);
}

static int bye_one(struct gw_line *line, const struct pl *dialog)
{
	struct stored_bye *bye;
	struct pl target;
	char *uri = NULL;
	int err;

	if (re_regex(dialog->p, dialog->l, "BYE [^ ]+ SIP/2.0", &target) &&
	    re_regex(dialog->p, dialog->l, "CANCEL [^ ]+ SIP/2.0", &target))
		return EBADMSG;

	bye = mem_zalloc(sizeof(*bye), stored_bye_destructor);
	if (!bye)
		return ENOMEM;

	bye->line = mem_ref(line);
	err = pl_strdup(&bye->dialog, dialog);
	if (!err)
		err = pl_strdup(&uri, &target);
	if (!err)
		err = gw_line_way(&bye->way, line, uri, stored_bye_ready, bye);

	mem_deref(uri);
	if (err)
		mem_deref(bye);
	return err;
}

/* What is wrong with one is no reason to leave the others alone. */
int gw_call_bye_stored(struct gw_line *line, const char *dialog)
{
	static const char end[] = "\r\n\r\n";
	int err = EBADMSG;

	if (!line || !dialog)
		return EINVAL;

	for (size_t i = 0; i < GW_CALL_LEGS_MAX && *dialog; i++) {
		const char *p = strstr(dialog, end);
		const struct pl one = {
			dialog, p ? (size_t)(p - dialog) + sizeof(end) - 1 :
				    strlen(dialog)
		};
		const int wrong = bye_one(line, &one);

		err = i && err ? err : wrong;
		dialog += one.l;
	}

	return err;
}
