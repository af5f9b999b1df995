// Plays whole batches of beats through a unit compiled by CXXRTL. Appended to the text of write_cxxrtl, whose top is
// cxxrtl_design::p_top. Optional ports: -DSTREAMNORM_BANKS (tuser), -DSTREAMNORM_LOADS (parameter stream);
// streams beside the rows and the results by STREAMNORM_SIDE_INPUTS(X) and STREAMNORM_SIDE_OUTPUTS(X), which stand before
// this text and call X(index, name) for each; -DSTREAMNORM_WAVES writes a VCD file; STREAMNORM_FEEDBACK is for a design that needs several passes to settle.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#ifdef STREAMNORM_WAVES
#include <cxxrtl/cxxrtl_vcd.h>
#endif

namespace {

// Mirrored by ctypes structures of the same names in cxxrtl.py.
struct Channel {
    const uint8_t *data, *keep, *last;  // one beat after the other; keep packed, 8 bytes' bits in one
    const uint16_t *user;
    const int64_t *gate;
    const uint8_t *open;
    int64_t count, open_length, data_bytes, keep_bytes;
    int64_t *cycles;
    int64_t position;
    int64_t offered;  // whether the beat at `position` is on the bus
};

struct Output {
    const uint8_t *open;
    int64_t open_length;
    uint8_t *data, *keep, *flags;  // what came out; flags: bit 0 last, above it tuser
    int64_t *cycles;
    int64_t data_bytes, keep_bytes, capacity, position, target;
    int64_t waiting;  // whether a beat was offered and not taken in the cycle before
};

struct Run {
    Channel rows, loads;
    Output results;
    Channel *sides_in;
    Output *sides_out;
    int64_t cycle, stop_cycle, idle, patience;
    int64_t violated;  // the output that was: 0 of the results, 1 and above of those beside
};

enum Status { DONE = 0, STOPPED = 1, HUNG = 2, VIOLATED = 3 };

template <size_t Bits>
void drive(cxxrtl::value<Bits> &port, const uint8_t *bytes, int64_t count) {
    std::memcpy(port.data, bytes, count);
}

template <size_t Bits>
void fill(cxxrtl::value<Bits> &port, uint8_t byte) {
    uint8_t bytes[(Bits + 7) / 8];
    std::memset(bytes, byte, sizeof bytes);
    if (Bits % 8) bytes[sizeof bytes - 1] &= (1u << (Bits % 8)) - 1;
    std::memcpy(port.data, bytes, sizeof bytes);
}

template <size_t Bits>
const cxxrtl::value<Bits> &sampled(const cxxrtl::value<Bits> &port) { return port; }

template <size_t Bits>
const cxxrtl::value<Bits> &sampled(const cxxrtl::wire<Bits> &port) { return port.curr; }

template <class Port>
bool high(const Port &port) { return sampled(port).data[0] & 1; }

template <class Port>
void read(const Port &port, uint8_t *bytes, int64_t count) { std::memcpy(bytes, sampled(port).data, count); }

class Bench {
public:
    cxxrtl_design::p_top top;
#ifdef STREAMNORM_WAVES
    cxxrtl::debug_items items;
    cxxrtl::vcd_writer writer;
    std::FILE *file = nullptr;
    int failed = 0;  // errno of the first write that failed
    uint64_t nanoseconds = 0;

    bool trace(const char *path, const char *name) {
        file = std::fopen(path, "w");
        if (!file) return false;
        top.debug_info(&items, nullptr, std::string(name) + " ");
        writer.timescale(1, "ns");
        writer.add(items);
        return true;
    }

    // Returns 0, or why the wave file is not whole.
    int close() {
        if (file && std::fclose(file) && !failed) failed = errno;
        file = nullptr;
        return failed;
    }
#endif

#if defined(STREAMNORM_WAVES) || defined(STREAMNORM_FEEDBACK)
    // Let the logic settle behind new inputs, so that outputs can be sampled.
    void settle() { half(false); }

    // The rising edge of the clock.
    void edge() { half(true); }

    void half(bool clock) {
        top.p_aclk.data[0] = clock;
        top.step();
#ifdef STREAMNORM_WAVES
        if (file) {
            writer.sample(nanoseconds);
            nanoseconds += 5;
            const size_t size = writer.buffer.size();
            if (std::fwrite(writer.buffer.data(), 1, size, file) != size && !failed) failed = errno;
            writer.buffer.clear();
        }
#endif
    }
#else
    // One pass over the logic does both: eval() settles it and computes what registers take at an edge, and until commit()
    // the outputs still have the value from before that edge. It takes a fraction of the time of a step for each half cycle.
    void settle() {
        top.prev_p_aclk.data[0] = 0;
        top.p_aclk.data[0] = 1;
        top.eval();
    }

    void edge() { top.commit(); }
#endif

    // Idle buses carry noise, so that a unit which looks at them without valid gives itself away.
#define STREAMNORM_REST(prefix)                \
    top.p_##prefix##__tvalid.data[0] = 0;      \
    fill(top.p_##prefix##__tdata, 0xa5);       \
    fill(top.p_##prefix##__tkeep, 0x5a);       \
    top.p_##prefix##__tlast.data[0] = 1;

#define STREAMNORM_OFFER(prefix, channel)                                                             \
    const int64_t at = (channel).position;                                                            \
    top.p_##prefix##__tvalid.data[0] = 1;                                                             \
    drive(top.p_##prefix##__tdata, (channel).data + at * (channel).data_bytes, (channel).data_bytes); \
    drive(top.p_##prefix##__tkeep, (channel).keep + at * (channel).keep_bytes, (channel).keep_bytes); \
    top.p_##prefix##__tlast.data[0] = (channel).last[at];

    void rest_rows() {
        STREAMNORM_REST(s__axis)
#ifdef STREAMNORM_BANKS
        fill(top.p_s__axis__tuser, 0xff);
#endif
    }

    void offer_rows(const Channel &rows) {
        STREAMNORM_OFFER(s__axis, rows)
#ifdef STREAMNORM_BANKS
        top.p_s__axis__tuser.data[0] = rows.user[at];
#endif
    }

    void rest_sides() {
#define STREAMNORM_X(index, name) { STREAMNORM_REST(s__axis__##name) }
        STREAMNORM_SIDE_INPUTS(STREAMNORM_X)
#undef STREAMNORM_X
    }

    void rest_loads() {
#ifdef STREAMNORM_LOADS
        top.p_s__axis__param__tvalid.data[0] = 0;
        fill(top.p_s__axis__param__tdata, 0xa5);
        top.p_s__axis__param__tlast.data[0] = 1;
#ifdef STREAMNORM_LOAD_BANKS
        fill(top.p_s__axis__param__tuser, 0xff);
#endif
#endif
    }

    void offer_loads(const Channel &loads) {
#ifdef STREAMNORM_LOADS
        const int64_t at = loads.position;
        top.p_s__axis__param__tvalid.data[0] = 1;
        drive(top.p_s__axis__param__tdata, loads.data + at * loads.data_bytes, loads.data_bytes);
        top.p_s__axis__param__tlast.data[0] = loads.last[at];
#ifdef STREAMNORM_LOAD_BANKS
        top.p_s__axis__param__tuser.data[0] = loads.user[at];
#endif
#else
        (void)loads;
#endif
    }

    bool loads_ready() const {
#ifdef STREAMNORM_LOADS
        return high(top.p_s__axis__param__tready);
#else
        return false;
#endif
    }

    void reset(Run &run, int64_t cycles) {
        top.p_aresetn.data[0] = 0;
        rest_rows();
        rest_loads();
        rest_sides();
        run.rows.offered = run.loads.offered = run.results.waiting = 0;
        for (int side = 0; side < INPUTS; side++) run.sides_in[side].offered = 0;
        for (int side = 0; side < OUTPUTS; side++) run.sides_out[side].waiting = 0;
        for (int64_t i = 0; i < cycles; i++, run.cycle++) {
            top.p_m__axis__tready.data[0] = open(run, run.results);
            set_sides_ready(run);
            settle();
            edge();
        }
        top.p_aresetn.data[0] = 1;
    }

    Status play(Run &run) {
        Channel &rows = run.rows, &loads = run.loads;
        Output &results = run.results;
        int64_t row_phase = run.cycle % rows.open_length;
        int64_t load_phase = run.cycle % loads.open_length;
        int64_t result_phase = run.cycle % results.open_length;
        for (; run.cycle < run.stop_cycle; run.cycle++) {
            if (rows.position == rows.count && loads.position == loads.count && all_out(run)) return DONE;
            if (full(run)) return STOPPED;
            if (run.idle++ > run.patience) return HUNG;
            // Both gates look at what had been accepted before this cycle.
            const bool row_open = rows.open[row_phase] && rows.position < rows.count &&
                                  loads.position >= rows.gate[rows.position];
            const bool load_open = loads.open[load_phase] && loads.position < loads.count &&
                                   rows.position >= loads.gate[loads.position];
            if (!rows.offered && row_open) {
                offer_rows(rows);
                rows.offered = 1;
            }
            if (!loads.offered && load_open) {
                offer_loads(loads);
                loads.offered = 1;
            }
#define STREAMNORM_X(index, name)                                                                     \
            Channel &name##_in = run.sides_in[index];                                                 \
            if (!name##_in.offered && name##_in.position < name##_in.count &&                         \
                name##_in.open[run.cycle % name##_in.open_length]) {                                  \
                STREAMNORM_OFFER(s__axis__##name, name##_in)                                          \
                name##_in.offered = 1;                                                                \
            }
            STREAMNORM_SIDE_INPUTS(STREAMNORM_X)
#undef STREAMNORM_X
            const bool ready = results.open[result_phase];
            top.p_m__axis__tready.data[0] = ready;
            set_sides_ready(run);
            settle();

            const bool row_taken = rows.offered && high(top.p_s__axis__tready);
            const bool load_taken = loads.offered && loads_ready();
#define STREAMNORM_X(index, name) const bool name##_taken = name##_in.offered && high(top.p_s__axis__##name##__tready);
            STREAMNORM_SIDE_INPUTS(STREAMNORM_X)
#undef STREAMNORM_X
#define STREAMNORM_WATCH(prefix, output, number)                                                               \
            if (!watch((output), high(top.p_##prefix##__tvalid), high(top.p_##prefix##__tready),                \
                       top.p_##prefix##__tdata, top.p_##prefix##__tkeep, top.p_##prefix##__tlast,               \
                       top.p_##prefix##__tuser)) {                                                              \
                run.violated = number;                                                                          \
                return VIOLATED;                                                                                \
            }
            const bool given = high(top.p_m__axis__tvalid) && ready;
            STREAMNORM_WATCH(m__axis, results, 0)
#define STREAMNORM_X(index, name)                                                                              \
            const bool name##_given = high(top.p_m__axis__##name##__tvalid) && high(top.p_m__axis__##name##__tready); \
            STREAMNORM_WATCH(m__axis__##name, run.sides_out[index], 1 + index)
            STREAMNORM_SIDE_OUTPUTS(STREAMNORM_X)
#undef STREAMNORM_X
            edge();

            if (row_taken) {
                rows.cycles[rows.position++] = run.cycle;
                rows.offered = 0;
                rest_rows();
                run.idle = 0;
            }
            if (load_taken) {
                loads.cycles[loads.position++] = run.cycle;
                loads.offered = 0;
                rest_loads();
                run.idle = 0;
            }
#define STREAMNORM_X(index, name)                                            \
            if (name##_taken) {                                              \
                name##_in.cycles[name##_in.position++] = run.cycle;          \
                name##_in.offered = 0;                                       \
                STREAMNORM_REST(s__axis__##name)                             \
                run.idle = 0;                                                \
            }
            STREAMNORM_SIDE_INPUTS(STREAMNORM_X)
#undef STREAMNORM_X
            if (given) {
                results.cycles[results.position++] = run.cycle;
                run.idle = 0;
            }
#define STREAMNORM_X(index, name)                                                        \
            if (name##_given) {                                                          \
                run.sides_out[index].cycles[run.sides_out[index].position++] = run.cycle; \
                run.idle = 0;                                                            \
            }
            STREAMNORM_SIDE_OUTPUTS(STREAMNORM_X)
#undef STREAMNORM_X
            if (++row_phase == rows.open_length) row_phase = 0;
            if (++load_phase == loads.open_length) load_phase = 0;
            if (++result_phase == results.open_length) result_phase = 0;
        }
        return STOPPED;
    }

private:
#define STREAMNORM_X(index, name) + 1
    static constexpr int INPUTS = 0 STREAMNORM_SIDE_INPUTS(STREAMNORM_X);
    static constexpr int OUTPUTS = 0 STREAMNORM_SIDE_OUTPUTS(STREAMNORM_X);
#undef STREAMNORM_X

    static bool open(const Run &run, const Output &output) {
        return output.open[(run.cycle % output.open_length + output.open_length) % output.open_length];
    }

    void set_sides_ready(const Run &run) {
        (void)run;  // where there are none
#define STREAMNORM_X(index, name) top.p_m__axis__##name##__tready.data[0] = open(run, run.sides_out[index]);
        STREAMNORM_SIDE_OUTPUTS(STREAMNORM_X)
#undef STREAMNORM_X
    }

    static bool all_out(const Run &run) {
        bool done = run.results.position >= run.results.target;
        for (int side = 0; side < INPUTS; side++) done &= run.sides_in[side].position == run.sides_in[side].count;
        for (int side = 0; side < OUTPUTS; side++) done &= run.sides_out[side].position >= run.sides_out[side].target;
        return done;
    }

    static bool full(const Run &run) {
        bool found = run.results.position == run.results.capacity;
        for (int side = 0; side < OUTPUTS; side++) found |= run.sides_out[side].position == run.sides_out[side].capacity;
        return found;
    }

    // Takes down what is offered. False: it is not what was offered, and not taken, in the cycle before.
    template <class Data, class Keep, class Last, class User>
    static bool watch(Output &output, bool valid, bool ready, const Data &data, const Keep &keep, const Last &last,
                      const User &user) {
        const int64_t at = output.position;
        const uint8_t flags = high(last) | sampled(user).data[0] << 1;
        uint8_t *data_at = output.data + at * output.data_bytes, *keep_at = output.keep + at * output.keep_bytes;
        if (output.waiting && !(valid && output.flags[at] == flags &&
                                !std::memcmp(data_at, sampled(data).data, output.data_bytes) &&
                                !std::memcmp(keep_at, sampled(keep).data, output.keep_bytes)))
            return false;
        if (valid) {
            read(data, data_at, output.data_bytes);
            read(keep, keep_at, output.keep_bytes);
            output.flags[at] = flags;
        }
        output.waiting = valid && !ready;
        return true;
    }
};

}  // namespace

extern "C" {

// Returns null if the wave file cannot be written; errno says why.
void *streamnorm_create(const char *waves, const char *name) {
    auto bench = std::make_unique<Bench>();
#ifdef STREAMNORM_WAVES
    if (waves && !bench->trace(waves, name)) return nullptr;
#else
    (void)waves, (void)name;
#endif
    return bench.release();
}

void streamnorm_reset(void *bench, Run *run, int64_t cycles) { static_cast<Bench *>(bench)->reset(*run, cycles); }

int streamnorm_play(void *bench, Run *run) { return static_cast<Bench *>(bench)->play(*run); }

// Returns 0, or the errno that says why the wave file is not whole.
int streamnorm_destroy(void *bench) {
    std::unique_ptr<Bench> owned(static_cast<Bench *>(bench));
#ifdef STREAMNORM_WAVES
    return owned->close();
#else
    return 0;
#endif
}
}
