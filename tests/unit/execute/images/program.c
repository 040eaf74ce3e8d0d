// The host's side, as rustc writes it: an entry with the name of each kernel that is launched.
struct entry {
    unsigned long reserved;
    unsigned short version, kind;
    unsigned flags;
    void *address;
    const char *name;
    unsigned long size, data;
    void *aux;
};
#define ENTRY(N)                                                                                     \
    static char N##_id;                                                                              \
    __attribute__((section(".llvm.rodata.offloading"))) static const char N##_name[] = #N;           \
    __attribute__((section("llvm_offload_entries"), used)) static struct entry N##_entry = {         \
        0, 1, 1, 0, &N##_id, N##_name, 0, 0, 0};
ENTRY(saxpy)
ENTRY(widths)
ENTRY(nothing)
int main(void) { return 0; }
