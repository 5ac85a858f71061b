using System.Globalization;
using Singa.Actors.Runtime.Onnx.Suite;

namespace Singa.Actors.Cli.Onnx;

/// <summary>How far the tests are: one line that is written over in a terminal, a line now and then elsewhere.</summary>
internal sealed class VerifyProgress(int tests, TextWriter errors)
{
    private const int LinesElsewhere = 10;

    private readonly Lock gate = new();
    private readonly bool terminal = !Console.IsErrorRedirected;
    private int failed;

    public void Report(int done, SuiteVerdict verdict)
    {
        lock (gate)
        {
            failed += verdict == SuiteVerdict.Failed ? 1 : 0;
            string line = string.Create(CultureInfo.InvariantCulture, $"{done} of {tests} tests, {failed} failed");
            if (terminal)
                errors.Write($"\r{line} ");
            else if (done * LinesElsewhere / tests > (done - 1) * LinesElsewhere / tests)
                errors.WriteLine(line);
        }
    }

    public void End()
    {
        if (terminal)
            errors.WriteLine();
    }
}
