/* assert.h: assertions that stay on in every build. They state what a programmer got wrong, never
 * what input, a peer or the machine did. */
#ifndef VELDKIT_ASSERT_H
#define VELDKIT_ASSERT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes place and expression to standard error and aborts. Never prints values. */
void veld_assert_failed(const char *file, int line, const char *expression)
    __attribute__((noreturn));

#define VELD_ASSERT(condition)                                                                     \
    ((condition) ? (void)0 : veld_assert_failed(__FILE__, __LINE__, #condition))

#ifdef __cplusplus
}
#endif
#endif
