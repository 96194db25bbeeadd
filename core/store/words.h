/* The list of words.c. Private to the room. */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H

enum { STORE_WORDS = 1024 };
extern const char *const store_words[STORE_WORDS];

#endif
