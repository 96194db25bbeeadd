/* I11: a server's log that does not go on from the one a party saw before is told, always, before
 * it is taken over: in that exchange, or in one before it that came to nothing. Whether it goes on
 * is asked of the journals themselves. */
#include "sim.h"

static bool begins_with(sim_relay *r, const veld_log_head *head)
{
    veld_log_head own;
    if (!r->is_up)
        return false;
    const veld_journal *journal = srv_journal_get(r->journal);
    return head->size <= journal->size(journal->context) &&
           veld_log_root(&journal->log, head->size, &own, NULL) == VELD_OK &&
           veld_hash_equal(&own.root, &head->root);
}

void sim_check_log(sim_party *p, const veld_log_head *before)
{
    bool is_told = p->reports != p->reports_then;
    sim_world *w = p->world;
    const veld_log_head now = {.size = p->anchor.log_size, .root = p->anchor.log_root};
    p->reports_then = p->reports;
    bool is_main = begins_with(&w->relay, &now);
    bool is_fork = begins_with(&w->fork, &now);
    if (before->size == 0 || is_told || (!is_main && !is_fork))
        return;
    bool goes_on =
        (is_main && begins_with(&w->relay, before)) || (is_fork && begins_with(&w->fork, before));
    if (now.size < before->size || !goes_on)
        sim_fail(w, SIM_I11,
            "party %u took a log of %" PRIu64 " for one that goes on from %" PRIu64, p->index,
            now.size, before->size);
}
