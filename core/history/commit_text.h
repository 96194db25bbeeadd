/* commit_text.h: what writing and parsing a commit share. Private to core/history. */
#ifndef VELD_HISTORY_COMMIT_TEXT_H
#define VELD_HISTORY_COMMIT_TEXT_H

#include "veldkit/commit.h"

/* The words of veld_clock_quality in the trailer Veldkit-Time, by number. */
enum { COMMIT_QUALITIES = 4 };
extern const char *const commit_quality_words[COMMIT_QUALITIES];

#endif
