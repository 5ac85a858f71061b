namespace Singa.Actors.Cli;

internal static class Help
{
    private const string Overview = """
        singa trains models on whatever devices there are.

          singa train JOB.conf     trains what the file describes
          singa explain JOB.conf   shows what would be done: kernels, memory, shards on devices
          singa node               joins a cluster and trains what there is
          singa submit JOB.conf    has a cluster train what the file describes
          singa status, cancel     shows what a cluster does, ends a job of it
          singa plot METRICS...    draws learning curves
          singa devices            shows the devices of this machine
          singa check FILE...      says of each file whether it is well-formed
          singa onnx verify        runs an ONNX test suite and reports each test
          singa --help, --version

        singa COMMAND --help says more. Exit codes: 0 done, 1 refused input, 2 wrong command line, 3 failed, 130 interrupted.

        """;

    private const string Choices = """
          --devices LIST      names with commas between, as in cpu:0,cuda:1, or KIND=N as in cpu=2: this machine's CPU as two
                              devices; without it every device found, the CPU as one
          --threads N         threads of each CPU device; without it the cores divided by the CPU devices
          --set PATH=VALUE    lays a value over the file, as in job.seed=8; VALUE is HOCON where it parses, else a text; may be
                              given often

        """;

    private const string Train = """
        singa train JOB.conf [options]

        """ + Choices + """
          --metrics FILE      one JSON object a step: step, epoch, loss, samples_per_s, step_ms, and where there are some
                              perplexity, test_loss, test_accuracy, test_perplexity, digest
          --digest-every N    takes the digest of the parameters every N steps, for the metrics
          --ledger FILE       one JSON object for each committed shard: epoch, step, shard, samples, worker, generation
          --save FILE         the trained model: as ONNX where FILE ends in .onnx (for any number of samples, dropout gone, batch norms by
                              their running statistics), else as safetensors
          --checkpoint DIR    saves the job there while it trains, the last two states; the same command again goes on from the last, on
                              whatever devices there are, and ends with the same digest; metrics and ledger go on with it
          --checkpoint-every N
                              steps from one to the next; an epoch unless said, but at least 100 and at most 1000 steps
          --profile FILE      a trace that chrome://tracing and Perfetto open: kernels, exchanges, copies and waits of each device, the
                              last 131072; and before the closing lines, where a step's time went by phase and by operation

        Ctrl-C and SIGTERM end it: with --checkpoint after the step, saved; a second one at once. A checkpoint that is damaged is named and the
        one before it used. Once the job has ended the same command prints the closing lines again. A job that differs in what its weights
        depend on is refused; more epochs are welcome where its schedule does not depend on their number.

        Logs go to standard error. Standard output ends with these lines:

          test top-5 accuracy 99.61         percent, where job.top-k asks for it
          test accuracy 98.97               percent; neither it nor the next without test data
          test loss 1.5803                  instead, for text (nats per token) and where answers are not right or wrong
          peak memory 61.2 planned 60.8     MiB, summed over this process's devices
          first step 412                    milliseconds from the start of the process to the end of the first step
          digest sha256:...                 of the parameters

        Every key of a job file is explained in hocon/reference.conf. Relative paths of data count from the job file's folder or,
        where there is no such file, from the working directory.

        """;

    private const string Secret = """

        Nodes and commands of a cluster share a secret, SINGA_CLUSTER_SECRET or singa.cluster.secret, or certificates, singa.cluster.tls. Without one
        a node stays on this machine's loopback.

        """;

    private const string Node = """
        singa node [options]

          --config FILE       HOCON over the defaults of hocon/reference.conf; hocon/{seed,worker}.conf are examples
          --host HOST         what it binds and what the others call it by; 127.0.0.1 unless said
          --port N            where it is reached; 0, any free one, unless said
          --seed-node HOST:PORT
                              a node to ask for the cluster; may be given often. The one that stands first, and a node without any, begins a
                              cluster where none is found; all others wait for one, or begin again the one
                              that they were in when all they know look for it too
          --devices LIST      names with commas between, as in cpu:0,cuda:1, or KIND=N as in cpu=2; without it every device found
          --threads N         threads of each CPU device
          --data-root DIR     the folder that data of jobs lies in; the working directory unless said
          --until-eof         leaves when standard input ends too: a program that starts nodes with a pipe is not outlived by them

        Standard output says `node HOST:PORT is up, data port N` once it is in a cluster; logs go to standard error. Ctrl-C and SIGTERM have it
        leave in order; a second one ends it at once.
        """ + Secret;

    private const string Submit = """
        singa submit JOB.conf --cluster HOST:PORT[,...] [options]

          --cluster LIST      nodes to begin with; others are learned from them, and any of them may go
          --config FILE       HOCON with singa.cluster, for the secret
          --set PATH=VALUE    lays a value over the file; may be given often
          --metrics FILE, --ledger FILE, --save FILE
                              as with singa train

        Ends with the same lines as singa train. Ctrl-C and SIGTERM end the job. Data is read by the nodes, under the data root of each.
        """ + Secret;

    private const string Status = """
        singa status --cluster HOST:PORT[,...] [--json] [--config FILE]

        Members with their devices and what they refused, jobs with generation, step and step time, their workers with shards and who is slow; at the
        end `refused N`, on all ports of all members. --json says it as one object.
        """ + Secret;

    private const string Cancel = """
        singa cancel --cluster HOST:PORT[,...] [JOB] [--config FILE]

        Ends the job, which singa status names; JOB may be left out where there is one only.
        """ + Secret;

    private const string Explain = """
        singa explain JOB.conf [options]

        """ + Choices + """
          --html FILE         the same as one page to look at: the graph after fusion, the arena over time, what is kept, shared and
                              computed again, where the work lies

        """;

    private const string Check = """
        singa check FILE...

        A line a file: "FILE ok" or "FILE refused: reason". Structure, types, shapes, attributes and bounds are judged, not whether this
        version could run it. The kind is told by the name: .onnx and .pb (a tensor), .safetensors, .idx or ...-ubyte or .gz (IDX), .bin (CIFAR),
        .csv and .tsv, .txt (UTF-8), .conf (a job); by the first bytes where the name tells nothing. A file may take 10 s and 1 GiB.
        Exit code 1 if any was refused.

        """;

    private const string Onnx = """
        singa onnx verify --suite DIR --report FILE [options]

          --suite DIR         every zip and folder under it: TEST/model.onnx with TEST/test_data_set_N/input_i.pb and output_i.pb, or
                              NAME.onnx with NAME_output_i.pb and NAME.json
          --report FILE       tab-separated: kind, test, result (passed, failed, unsupported), worst, reason. Worst is the largest
                              difference in units of the tolerance: up to 1 passes
          --dump DIR          what the tests gave, as DIR/KIND/TEST/test_data_set_N/output_i.pb
          --timeout SECONDS   a test that takes longer has failed; 120 unless said
          --memory MIB        a test that takes more has failed; 4096 unless said
          --threads N         tests at a time; as many as there are cores unless said

        Standard output ends with a table of how many passed, failed and are unsupported. Exit code 3 if any failed.

        """;

    private const string Plot = """
        singa plot METRICS... [options]

          METRICS             files that singa train --metrics wrote; several are compared, a colour each
          -o, --output FILE   the picture, .svg or .png; may be given often. Without it the first METRICS with the ending .svg

        Training loss is smoothed, with the steps as they were faint behind it; held-back loss, accuracy and perplexity, where the file has
        them, are points with a line. Where the end would lie flat on the axis, the scale is logarithmic.

        """;

    public static string Of(string? command) => command switch
    {
        "train" => Train,
        "node" => Node,
        "submit" => Submit,
        "status" => Status,
        "cancel" => Cancel,
        "explain" => Explain,
        "check" => Check,
        "onnx" => Onnx,
        "plot" => Plot,
        "devices" => "singa devices\n",
        _ => Overview,
    };
}
