/* sip/call_stored.c - ends a dialog that an earlier process has left behind. */
#include <errno.h>

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
	if (!err)
		(void)gw_session_bye_printed(bye->line, way, bye->dialog, 41,
					     "server restart");
	mem_deref(bye);
}

int gw_call_bye_stored(struct gw_line *line, const char *dialog)
{
	struct stored_bye *bye;
	struct pl text, target;
	char *uri = NULL;
	int err;

	if (!line || !dialog)
		return EINVAL;

	pl_set_str(&text, dialog);
	if (re_regex(text.p, text.l, "BYE [^ ]+ SIP/2.0", &target))
		return EBADMSG;

	bye = mem_zalloc(sizeof(*bye), stored_bye_destructor);
	if (!bye)
		return ENOMEM;

	bye->line = mem_ref(line);
	err = str_dup(&bye->dialog, dialog);
	if (!err)
		err = pl_strdup(&uri, &target);
	if (!err)
		err = gw_line_way(&bye->way, line, uri, stored_bye_ready, bye);

	mem_deref(uri);
	if (err)
		mem_deref(bye);
	return err;
}
