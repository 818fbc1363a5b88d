/* A libnvidia-ml.so.1 that says what the environment tells it.

   The answer of nvmlX about GPU 3 is the variable nvmlX_3, else nvmlX: a text, a number, or "!15" for NVML_ERROR 15.
   Instance 2 of GPU 3 in MIG mode is 402. With OLD, the library is older than MIG. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3 };

typedef struct { unsigned long long total, free, used; } Memory;

static int started = 0;

/* Put the answer where `answer` points to, and return the error it stands for. */
static int ask(const char *function, size_t number, const char **answer)
{
    char variable[80];
    snprintf(variable, sizeof variable, "%s_%zu", function, number);
    *answer = getenv(variable) ? getenv(variable) : getenv(function);
    return *answer == NULL ? NOT_SUPPORTED : **answer == '!' ? atoi(*answer + 1) : SUCCESS;
}

static int ask_number(const char *function, size_t number, unsigned long long *value)
{
    const char *answer;
    int error = ask(function, number, &answer);
    if (!error)
        *value = strtoull(answer, NULL, 10);
    return error;
}

static int change(const char *function, int by)
{
    const char *answer;
    int error = ask(function, 0, &answer);
    if (answer == NULL || !error) {
        started += by;
        error = SUCCESS;
    }
    return error;
}

static int handle(const char *function, size_t number, void **device)
{
    const char *answer;
    int error = ask(function, number, &answer);
    *device = (void *)(number + 1);
    return answer == NULL ? SUCCESS : error;
}

static size_t number_of(void *device) { return (size_t)device - 1; }

/* Not of NVML: how often it was started and not shut down. */
int running(void) { return started; }

int nvmlInitWithFlags(unsigned flags) { (void)flags; return change("nvmlInit", 1); }

int nvmlShutdown(void) { return change("nvmlShutdown", -1); }

const char *nvmlErrorString(int error)
{
    const char *answer;
    return ask("nvmlErrorString", (size_t)error, &answer) ? "Unknown Error" : answer;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    unsigned long long value = 0;
    int error = ask_number("nvmlDeviceGetCount", 0, &value);
    *count = (unsigned)value;
    return error;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    return handle("nvmlDeviceGetHandleByIndex", index, device);
}

int nvmlDeviceGetName(void *device, char *name, unsigned length)
{
    const char *answer;
    int error = ask("nvmlDeviceGetName", number_of(device), &answer);
    if (!error)
        snprintf(name, length, "%s", answer);
    return error;
}

int nvmlDeviceGetMemoryInfo(void *device, Memory *memory)
{
    memset(memory, 0, sizeof *memory);
    return ask_number("nvmlDeviceGetMemoryInfo", number_of(device), &memory->total);
}

#ifndef OLD
int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending)
{
    unsigned long long value = 0;
    int error = ask_number("nvmlDeviceGetMigMode", number_of(device), &value);
    *current = *pending = (unsigned)value;
    return error;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count)
{
    unsigned long long value = 0;
    int error = ask_number("nvmlDeviceGetMaxMigDeviceCount", number_of(device), &value);
    *count = (unsigned)value;
    return error;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **instance)
{
    return handle("nvmlDeviceGetMigDeviceHandleByIndex", 100 * (number_of(device) + 1) + index, instance);
}
#endif
