// Runs a design with a serial port, compiled by CXXRTL, and speaks with it over the port, bit by bit. Appended to the
// text of write_cxxrtl, whose top is cxxrtl_design::p_top with the ports clk, rst, rx, tx and leds (8 bits at most).
// STREAMNORM_FEEDBACK is for a design that needs several passes to settle.

#include <cstdint>
#include <memory>

namespace {

// Mirrored by a ctypes structure of the same name in design.py.
struct Window {
    const uint16_t *sent;  // to the design: octets; bit 8 makes the stop bit 0
    int64_t sent_count, sent_position;
    uint8_t *received;  // from the design
    int64_t received_capacity, received_count;
    int64_t broken;  // octets from the design without a stop bit; they are not among the received ones
    int64_t cycle;   // since power-up
    int64_t quiet;   // cycles since anything last moved on the line
    int64_t leds;
};

template <size_t Bits>
const cxxrtl::value<Bits> &sampled(const cxxrtl::value<Bits> &port) { return port; }

template <size_t Bits>
const cxxrtl::value<Bits> &sampled(const cxxrtl::wire<Bits> &port) { return port.curr; }

class Board {
    cxxrtl_design::p_top top;
    const int64_t bit_cycles;
    // To the design: bits that are still to come, the lowest one on the line now.
    uint32_t shift = 0;
    int64_t bits_left = 0, bit_left = 0;
    // From the design: next bit to sample (0 start … 9 stop, -1 none) and the cycles until then.
    int64_t next_bit = -1, wait = 0;
    uint8_t octet = 0;

#ifdef STREAMNORM_FEEDBACK
    void settle() { half(false); }
    void edge() { half(true); }
    void half(bool clock) {
        top.p_clk.data[0] = clock;
        top.step();
    }
#else
    // One pass over the logic settles it and computes what registers take at the edge; see cxxrtl_driver.cpp.
    void settle() {
        top.prev_p_clk.data[0] = 0;
        top.p_clk.data[0] = 1;
        top.eval();
    }
    void edge() { top.commit(); }
#endif

    // The line to the design in this cycle.
    void send(Window &window) {
        if (!bits_left && window.sent_position < window.sent_count) {
            const uint32_t word = window.sent[window.sent_position++];
            shift = (word & 0xff) << 1 | (word & 0x100 ? 0 : 0x200);
            bits_left = 10;
            bit_left = bit_cycles;
            // After a missing stop bit the line has to rise again, or there is no start bit to see.
            if (word & 0x100) shift |= 0x400, bits_left = 11;
        }
        top.p_rx.data[0] = bits_left ? shift & 1 : 1;
        if (bits_left) {
            window.quiet = 0;
            if (!--bit_left) shift >>= 1, bits_left--, bit_left = bit_cycles;
        }
    }

    void receive(Window &window, bool line) {
        if (next_bit < 0) {
            if (line) return;
            next_bit = 0;
            wait = bit_cycles / 2;
        }
        window.quiet = 0;
        if (wait--) return;
        wait = bit_cycles - 1;
        if (next_bit == 0 && line) {
            next_bit = -1;  // no start bit, a glitch
            return;
        }
        if (next_bit == 9) {
            if (line) window.received[window.received_count++] = octet;
            else window.broken++;
            next_bit = -1;
            return;
        }
        if (next_bit) octet = octet >> 1 | (line ? 0x80 : 0);
        next_bit++;
    }

    void cycles(Window &window, int64_t count, bool reset) {
        top.p_rst.data[0] = reset;
        for (int64_t i = 0; i < count && window.received_count < window.received_capacity; i++) {
            window.quiet++;
            send(window);
            settle();
            receive(window, sampled(top.p_tx).data[0] & 1);
            edge();
            window.cycle++;
        }
        window.leds = sampled(top.p_leds).data[0];
    }

public:
    explicit Board(int64_t bit_cycles) : bit_cycles(bit_cycles) {}

    void run(Window &window, int64_t count) { cycles(window, count, false); }
    void reset(Window &window, int64_t count) { cycles(window, count, true); }
};

}  // namespace

extern "C" {

void *streamnorm_board_create(int64_t bit_cycles) { return std::make_unique<Board>(bit_cycles).release(); }

// Runs for `count` cycles, or until the window has no room for what comes.
void streamnorm_board_run(void *board, Window *window, int64_t count) { static_cast<Board *>(board)->run(*window, count); }

// The same, with the reset held.
void streamnorm_board_reset(void *board, Window *window, int64_t count) { static_cast<Board *>(board)->reset(*window, count); }

void streamnorm_board_destroy(void *board) { delete static_cast<Board *>(board); }
}
