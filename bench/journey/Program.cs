using System.Diagnostics;
using System.Globalization;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

// What it costs that a job is written down, read back and compared with itself before it is trained: the first time, with all that the
// runtime compiles then, and once warm. Milliseconds of processor time, because the machine may be shared; the first also as they passed.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Rounds = 9;
foreach (string name in args.Length > 0 ? args : ["resnet18", "lenet", "resnet50", "gpt-mini", "char-lstm"])
{
    bool text = name is "gpt-mini" or "char-lstm";
    var sample = text ? new TensorType(DType.Int32, Shape.Of(64)) : new TensorType(DType.Float32, name == "lenet" ? Shape.Of(1, 28, 28) : Shape.Of(3, 32, 32));
    var data = new DataDescription(sample, text ? sample : new TensorType(DType.Int32, Shape.Scalar), text ? 65 : 10, 1000, 300);
    var job = new TrainingJob
    {
        Model = ModelCatalog.Create(name, sample.Shape, data.Classes), Data = new DigitsData(), Loss = new SoftmaxCrossEntropy(), Optimizer = new Sgd { Momentum = 0.9 }, BatchSize = 64,
    };
    var (times, bytes, first) = (new List<(double Write, double Read, double Check)>(), 0, 0.0);
    for (int round = 0; round <= Rounds; round++)
    {
        long start = Stopwatch.GetTimestamp();
        var begun = Spent();
        var form = JobForm.Write(job, data);
        string id = form.Id;
        var written = Spent();
        var read = form.Read();
        var back = Spent();
        JobForm.Check(job, read, data);
        times.Add((written - begun, back - written, Spent() - back));
        if (round == 0)
            first = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        bytes = form.Model.Length + form.Settings.Length;
    }

    var warm = times[1..].OrderBy(t => t.Write + t.Read + t.Check).ElementAt(Rounds / 2);
    var all = times.Select(t => t.Write + t.Read + t.Check).ToArray();
    Console.WriteLine($"{name}: first {all[0]:0} ms ({first:0} passed), warm {warm.Write + warm.Read + warm.Check:0} ms: written {warm.Write:0}, read {warm.Read:0}, compared {warm.Check:0}; {bytes / 1024.0:0} KiB");
}

static double Spent() => Environment.CpuUsage.TotalTime.TotalMilliseconds;
