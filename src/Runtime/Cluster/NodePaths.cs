namespace Singa.Actors.Runtime.Cluster;

/// <summary>Where the actors of a node are found by those of another: under <c>/user</c>.</summary>
internal static class NodePaths
{
    public const string Gate = "singa-gate", Node = "singa-node", Coordinator = "singa-coordinator", CoordinatorProxy = "singa-coordinator-proxy", Joining = "singa-joining",
        Leaving = "singa-leaving", Watching = "singa-watching", Contacts = "singa-contacts";
}
