// Plays whole batches of beats through a unit compiled by CXXRTL. Appended to the text of write_cxxrtl, whose top is
// cxxrtl_design::p_top. Optional ports: -DSTREAMNORM_BANKS (tuser), -DSTREAMNORM_LOADS (parameter stream);
// -DSTREAMNORM_WAVES writes a VCD file; STREAMNORM_FEEDBACK is for a design that needs several passes to settle.

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

struct Run {
    Channel rows, loads;
    const uint8_t *sink_open;
    int64_t sink_length;
    uint8_t *data, *keep, *flags;  // what came out; flags: bit 0 last, above it tuser
    int64_t *output_cycles;
    int64_t data_bytes, keep_bytes, capacity, position, target;
    int64_t cycle, stop_cycle, idle, patience;
    int64_t waiting;  // whether an output beat was offered and not taken in the cycle before
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
    void rest_rows() {
        top.p_s__axis__tvalid.data[0] = 0;
        fill(top.p_s__axis__tdata, 0xa5);
        fill(top.p_s__axis__tkeep, 0x5a);
        top.p_s__axis__tlast.data[0] = 1;
#ifdef STREAMNORM_BANKS
        fill(top.p_s__axis__tuser, 0xff);
#endif
    }

    void offer_rows(const Channel &rows) {
        const int64_t at = rows.position;
        top.p_s__axis__tvalid.data[0] = 1;
        drive(top.p_s__axis__tdata, rows.data + at * rows.data_bytes, rows.data_bytes);
        drive(top.p_s__axis__tkeep, rows.keep + at * rows.keep_bytes, rows.keep_bytes);
        top.p_s__axis__tlast.data[0] = rows.last[at];
#ifdef STREAMNORM_BANKS
        top.p_s__axis__tuser.data[0] = rows.user[at];
#endif
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
        run.rows.offered = run.loads.offered = run.waiting = 0;
        for (int64_t i = 0; i < cycles; i++, run.cycle++) {
            top.p_m__axis__tready.data[0] = run.sink_open[(run.cycle % run.sink_length + run.sink_length) % run.sink_length];
            settle();
            edge();
        }
        top.p_aresetn.data[0] = 1;
    }

    Status play(Run &run) {
        Channel &rows = run.rows, &loads = run.loads;
        int64_t row_phase = run.cycle % rows.open_length;
        int64_t load_phase = run.cycle % loads.open_length;
        int64_t sink_phase = run.cycle % run.sink_length;
        for (; run.cycle < run.stop_cycle; run.cycle++) {
            if (run.position >= run.target && rows.position == rows.count && loads.position == loads.count) return DONE;
            if (run.position == run.capacity) return STOPPED;
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
            const bool ready = run.sink_open[sink_phase];
            top.p_m__axis__tready.data[0] = ready;
            settle();

            const bool row_taken = rows.offered && high(top.p_s__axis__tready);
            const bool load_taken = loads.offered && loads_ready();
            const bool valid = high(top.p_m__axis__tvalid);
            if (run.waiting && !unchanged(run, valid)) return VIOLATED;
            if (valid) record(run);
            run.waiting = valid && !ready;
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
            if (valid && ready) {
                run.output_cycles[run.position++] = run.cycle;
                run.idle = 0;
            }
            if (++row_phase == rows.open_length) row_phase = 0;
            if (++load_phase == loads.open_length) load_phase = 0;
            if (++sink_phase == run.sink_length) sink_phase = 0;
        }
        return STOPPED;
    }

private:
    uint8_t flags() const { return high(top.p_m__axis__tlast) | sampled(top.p_m__axis__tuser).data[0] << 1; }

    void record(Run &run) {
        read(top.p_m__axis__tdata, run.data + run.position * run.data_bytes, run.data_bytes);
        read(top.p_m__axis__tkeep, run.keep + run.position * run.keep_bytes, run.keep_bytes);
        run.flags[run.position] = flags();
    }

    // Whether the offered beat is still the one recorded in the cycle before.
    bool unchanged(const Run &run, bool valid) const {
        const int64_t at = run.position;
        return valid && run.flags[at] == flags() &&
               !std::memcmp(run.data + at * run.data_bytes, sampled(top.p_m__axis__tdata).data, run.data_bytes) &&
               !std::memcmp(run.keep + at * run.keep_bytes, sampled(top.p_m__axis__tkeep).data, run.keep_bytes);
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
