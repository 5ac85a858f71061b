using Singa.Actors.Runtime;
using Singa.Actors.Samples.MultiNode;

try
{
    var options = Options.Parse(args);
    using var interruption = new Interruption();
    var show = new Show(!Console.IsOutputRedirected, TimeProvider.System);
    var together = await ClusterRun.TrainAsync(options, show, interruption.Token);
    using var model = together.Model;
    show.Tell("the workers are gone; the same job again, embedded in this process alone");
    var alone = await EmbeddedRun.TrainAsync(options, interruption.Token);
    using var same = alone.Model;

    bool equal = together.Digest == alone.Digest;
    Console.WriteLine($"test accuracy {together.TestAccuracy * 100:F2}");
    Console.WriteLine($"cluster  digest {together.Digest}");
    Console.WriteLine($"embedded digest {alone.Digest}");
    Console.WriteLine(equal ? "the same bits: it did not matter" : "NOT the same bits");
    return equal ? 0 : 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("interrupted");
    return 130;
}
catch (UsageException wrong)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}
catch (TrainingFailedException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 3;
}
catch (Exception refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 1;
}
